import { start } from '../edges/cloudfront.mjs';
import { scenarios } from '../scenarios.mjs';

scenarios({ start });
