/** What a video card shows now, in whatever mode it is. */
import type { VideoCard } from '../devices/vga/video-card.js';
import { framebufferPicture } from './framebuffer-picture.js';
import { graphicsPicture } from './graphics-picture.js';
import { Canvas, type Picture } from './picture.js';
import { textPicture } from './text-picture.js';
import { textScreen } from './text-screen.js';

export function screenPicture(card: VideoCard): Picture {
  if (card.dispi.isOn) return framebufferPicture(card);
  const text = textScreen(card);
  const picture = text === undefined ? graphicsPicture(card) : textPicture(card, text);
  // With the palette taken from the screen it is dark.
  return card.vga.isOn ? picture : new Canvas(picture.width, picture.height);
}
