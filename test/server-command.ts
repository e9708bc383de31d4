/** The command line as tests start it. */
import { join } from 'node:path';
import { OUTPUT_FOLDER } from './project-folders.js';

/**
 * The program for node to run: what users start, where a runner of whole suites has made it of what is compiled and says so in
 * SERVER_UNDER_TEST, for it starts three times as fast; else the compiled command line beside the compiled test.
 */
export const SERVER_MAIN = process.env['SERVER_UNDER_TEST'] ?? join(OUTPUT_FOLDER, 'src/cli/main.js');
