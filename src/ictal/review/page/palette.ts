// Colours of the style sheet, for canvases.

import type { Ink } from "./drawing.ts";

const NAMES = [
  "ink",
  "muted",
  "line",
  "fine",
  "surface",
  "panel",
  "reference",
  "detection",
  "reviewer",
  "false",
  "selected",
  "left-temporal",
  "left",
  "midline",
  "right",
  "right-temporal",
  "other",
] as const;

export type Colour = typeof NAMES[number];

export interface Palette {
  colours: Record<Colour, string>;
  shade: number;
}

export const REGIONS: [Colour, string][] = [
  ["left-temporal", "left temporal"],
  ["left", "left parasagittal"],
  ["midline", "midline"],
  ["right", "right parasagittal"],
  ["right-temporal", "right temporal"],
  ["other", "other"],
];

/** The colours that hold at the moment. */
export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  return { colours: colours as Record<Colour, string>, shade: Number(style.getPropertyValue("--shade")) };
}

/** A colour of six hexadecimal digits as numbers. */
export function ink(colour: string): Ink {
  const value = Number.parseInt(colour.slice(1), 16);
  return { red: value >> 16, green: (value >> 8) & 255, blue: value & 255 };
}

/** The same colour, partly transparent. */
export function faint(colour: string, alpha: number): string {
  const { red, green, blue } = ink(colour);
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}
