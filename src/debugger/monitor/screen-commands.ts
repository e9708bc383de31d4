/** `monitor screen`, `monitor screendump` and `monitor keys`: the guest's screen and its keyboard. */
import { writeFileSync } from 'node:fs';
import { typedText } from '../../vmm/devices/typed-text.js';
import { imageFile } from '../../vmm/display/image-file.js';
import { screenPicture } from '../../vmm/display/screen-picture.js';
import { textRows, textScreen } from '../../vmm/display/text-screen.js';
import type { VideoCard } from '../../vmm/devices/vga/video-card.js';
import { MonitorError, type MonitorCommand } from './command.js';

const screenCommand: MonitorCommand = {
  name: 'screen',
  help: 'Show the text screen.',
  run({ machine: { video } }, _words, write) {
    const screen = textScreen(video);
    if (screen === undefined) throw new MonitorError(`The screen is in a graphics mode, ${pictureSize(video)}; save it with: monitor screendump FILE.png`);
    const rows = textRows(screen);
    const last = rows.findLastIndex((row) => row !== '');
    write(last < 0 ? 'The screen is empty.\n' : `${rows.slice(0, last + 1).join('\n')}\n`);
  },
};

function pictureSize(video: VideoCard): string {
  const { width, height } = screenPicture(video);
  return `${width}x${height}`;
}

const screendumpCommand: MonitorCommand = {
  name: 'screendump',
  parameters: 'FILE',
  help: 'Save what the screen shows as a new file on the server\'s host: FILE.png or FILE.ppm.',
  run({ machine: { video } }, words, write) {
    const file = words.join(' ');
    if (!/[^/]\.(png|ppm)$/.test(file)) throw new MonitorError('Name a file that ends in .png or .ppm: monitor screendump screen.png');
    const picture = screenPicture(video);
    try {
      // Whoever may connect must not be able to overwrite files.
      writeFileSync(file, imageFile(picture, file), { flag: 'wx' });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new MonitorError(code === 'EEXIST' ? `${file} is there already; name a new file.` : `${file} cannot be written: ${message}.`);
    }
    write(`${file}: ${picture.width}x${picture.height}.\n`);
  },
};

const keysCommand: MonitorCommand = {
  name: 'keys',
  parameters: 'TEXT',
  help: 'Type on the keyboard: characters, \\n for Enter, <up>, <f1>, <space> and the like, <ctrl-c> or ctrl-alt-del for keys together.',
  run({ machine }, words, write) {
    const text = typedText(words.join(' '));
    if (text === '') throw new MonitorError('Say what to type: monitor keys help\\n');
    try {
      machine.keys(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new MonitorError(error.message);
    }
    write('Typed.\n');
  },
};

export const screenCommands: readonly MonitorCommand[] = [screenCommand, screendumpCommand, keysCommand];
