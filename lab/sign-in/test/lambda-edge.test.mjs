import { start } from '../edges/lambda-edge.mjs';
import { scenarios } from '../scenarios.mjs';

scenarios({ start });
