// Processor time of each gate as a picture: a bar to the median, a whisker from the least to the most.

const WIDTH = 760;
const LABELS = 150;
const VALUES = 70;
const ROW = 30;
const TOP = 40;

/** An SVG of a result. Gates that could not be had are left out. */
export function plot({ gates }) {
  const measured = gates.filter(({ cpu_us: cpu }) => cpu).toSorted((a, b) => a.cpu_us.median - b.cpu_us.median);
  const most = Math.max(1, ...measured.map(({ cpu_us: cpu }) => cpu.max));
  const step = niceStep(most);
  const end = Math.ceil(most / step) * step;
  const x = (micros) => LABELS + (micros / end) * (WIDTH - LABELS - VALUES);
  const height = TOP + measured.length * ROW + 12;
  const lines = [];
  for (let at = 0; at <= end; at += step) {
    lines.push(
      `<path class="grid" d="M${px(x(at))} ${TOP - 6}V${height - 12}"/><text class="small" x="${px(x(at))}" y="${TOP - 12}" text-anchor="middle">${at}</text>`,
    );
  }
  const rows = measured.map(({ name, cpu_us: cpu }, row) => {
    const top = TOP + row * ROW;
    const middle = top + ROW / 2;
    const kind = name.startsWith("verify") ? "own" : "peer";
    return [
      `<text x="${LABELS - 10}" y="${middle + 5}" text-anchor="end">${name}</text>`,
      `<rect class="${kind}" x="${LABELS}" y="${top + 5}" width="${px(x(cpu.median) - LABELS)}" height="${ROW - 10}" rx="3"/>`,
      `<path class="whisker" d="M${px(x(cpu.min))} ${middle}H${px(x(cpu.max))}M${px(x(cpu.min))} ${middle - 4}v8M${px(x(cpu.max))} ${middle - 4}v8"/>`,
      `<text x="${px(x(cpu.max) + 8)}" y="${middle + 5}">${Math.round(cpu.median)}</text>`,
    ].join("");
  });
  const told = measured.map(({ name, cpu_us: cpu }) => `${name} ${Math.round(cpu.median)}`).join(", ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="14" role="img" aria-label="Microseconds of processor time for a request: ${told}.">
  <style>
    .paper { fill: #fff }
    .own { fill: #6366f1 }
    .peer { fill: #c7d2fe }
    text { fill: #1e1b4b }
    .small { font-size: 12px; fill: #6366f1 }
    path { fill: none }
    .grid { stroke: #e0e7ff }
    .whisker { stroke: #1e1b4b; stroke-width: 1.5 }
  </style>
  <rect class="paper" width="${WIDTH}" height="${height}"/>
  <text class="small" x="10" y="${TOP - 12}">µs for a request</text>
  ${[...lines, ...rows].join("\n  ")}
</svg>
`;
}

/** 1, 2 or 5 times a power of ten, so that there are at most eight lines. */
function niceStep(most) {
  const power = 10 ** Math.floor(Math.log10(most / 8));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => most / step <= 8);
}

const px = (value) => Number(value.toFixed(1));
