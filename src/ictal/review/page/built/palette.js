// Colours of the style sheet, for canvases.
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
  "other"
];
export const REGIONS = [
  [
    "left-temporal",
    "left temporal"
  ],
  [
    "left",
    "left parasagittal"
  ],
  [
    "midline",
    "midline"
  ],
  [
    "right",
    "right parasagittal"
  ],
  [
    "right-temporal",
    "right temporal"
  ],
  [
    "other",
    "other"
  ]
];
/** The colours that hold at the moment. */ export function palette() {
  const style = getComputedStyle(document.documentElement);
  const colours = Object.fromEntries(NAMES.map((name)=>[
      name,
      style.getPropertyValue(`--${name}`).trim()
    ]));
  return {
    colours: colours,
    shade: Number(style.getPropertyValue("--shade"))
  };
}
/** A colour of six hexadecimal digits as numbers. */ export function ink(colour) {
  const value = Number.parseInt(colour.slice(1), 16);
  return {
    red: value >> 16,
    green: value >> 8 & 255,
    blue: value & 255
  };
}
/** The same colour, partly transparent. */ export function faint(colour, alpha) {
  const { red, green, blue } = ink(colour);
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}
