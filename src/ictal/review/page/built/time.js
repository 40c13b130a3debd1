// Times as people read them.
/** h:mm:ss from the start of the recording, with so many decimals. */ export function clock(time_s, decimals = 0) {
  const unit = 10 ** decimals;
  const whole = Math.round(time_s * unit);
  const seconds = whole % (60 * unit);
  const minutes = Math.floor(whole / (60 * unit));
  const text = (seconds / unit).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${text}`;
}
/** A length in words, as short as it can be said. */ export function length(seconds) {
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 6) / 10} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}
/** Time of day at a moment of the recording, by the recorder's clock. */ export function timeOfDay(start, time_s) {
  const begin = new Date(`${start}Z`);
  return new Date(begin.getTime() + time_s * 1000).toISOString().slice(11, 19);
}
/** A round distance between ticks, so that at most so many fit. */ export function tickStep(span_s, most) {
  const steps = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
    28800,
    86400
  ];
  return steps.find((step)=>span_s / step <= most) ?? 86400;
}
