import { cpuOf, type Row } from './contest.js';

/** How a cost grows. */
export interface Line {
  title: string;
  unit: string;
  points: [x: number, y: number][];
}

const WIDTH = 860;
const BAR = 26;
const LEFT = 370;

const compact = (value: number) => (value < 1000 ? String(value) : `${value / 1000}k`);
const escape = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

/** The CPU of each contestant as bars, how the strategy's cost grows as lines. */
export function drawPicture(rows: Row[], lines: Line[], machine: string): string {
  const sorted = [...rows].sort((a, b) => cpuOf(a) - cpuOf(b));
  const most = Math.max(...sorted.map(cpuOf));
  const scale = (WIDTH - LEFT - 90) / most;
  const bars = sorted.map((row, index) => {
    const { name, title } = row;
    const value = cpuOf(row);
    const y = 70 + index * BAR;
    const own = name === 'strategy' || name === 'protocol' || name === 'express';
    return `<text x="${LEFT - 10}" y="${y + 13}" text-anchor="end"${own ? ' font-weight="bold"' : ''}>${escape(title)}</text>
<rect x="${LEFT}" y="${y}" width="${(value * scale).toFixed(1)}" height="18" rx="3" fill="${own ? '#2757a8' : '#9fb1c8'}"/>
<text x="${(LEFT + value * scale + 6).toFixed(1)}" y="${y + 13}">${value.toFixed(0)}</text>`;
  });
  const top = 70 + sorted.length * BAR + 40;
  const panels = lines.map((line, index) => drawLine(line, 20 + index * 280, top));
  const height = top + 190;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#1b2430" role="img" aria-label="CPU time of a login for each contestant, and how it grows">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="20" y="28" font-size="17" font-weight="bold">CPU time of one login, in microseconds (less is better)</text>
<text x="20" y="48" fill="#526071">${escape(machine)}</text>
${bars.join('\n')}
${panels.join('\n')}
</svg>
`;
}

function drawLine({ title, unit, points }: Line, left: number, top: number): string {
  const width = 230;
  const height = 90;
  const most = Math.max(...points.map(([, y]) => y)) * 1.25;
  const decades = Math.log10(points.at(-1)![0] / points[0]![0]);
  const place = points.map(([x, y]) => [
    left + 20 + (Math.log10(x / points[0]![0]) / decades) * (width - 40),
    top + 30 + height - (y / most) * height,
  ]);
  const path = place.map(([x, y]) => `${x!.toFixed(1)},${y!.toFixed(1)}`).join(' ');
  const marks = place.map(
    ([x, y], index) => `<circle cx="${x!.toFixed(1)}" cy="${y!.toFixed(1)}" r="3.5" fill="#2757a8"/>
<text x="${x!.toFixed(1)}" y="${(y! - 8).toFixed(1)}" text-anchor="middle" font-size="11">${points[index]![1].toFixed(0)}</text>
<text x="${x!.toFixed(1)}" y="${top + height + 48}" text-anchor="middle" font-size="11" fill="#526071">${compact(points[index]![0])}</text>`,
  );
  return `<text x="${left}" y="${top + 8}" font-weight="bold">${escape(`${unit} by ${title}`)}</text>
<line x1="${left}" x2="${left + width}" y1="${top + height + 30}" y2="${top + height + 30}" stroke="#9fb1c8"/>
<polyline points="${path}" fill="none" stroke="#2757a8" stroke-width="2"/>
${marks.join('\n')}`;
}
