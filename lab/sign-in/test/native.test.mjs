import { start } from '../edges/native.mjs';
import { scenarios } from '../scenarios.mjs';

scenarios({ start });
