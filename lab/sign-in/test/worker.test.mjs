import { start } from '../edges/worker.mjs';
import { scenarios } from '../scenarios.mjs';

scenarios({ start });
