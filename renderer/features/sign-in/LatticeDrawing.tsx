/**
 * The drawing behind the brand: a triangular lattice whose points differ in size and light.
 * Used by SignInView only. Invariant: decorative, the same at every start, and cropped rather than stretched.
 */
const STEP_X = 90;
const STEP_Y = 78;
const COLUMNS = 10;
const ROWS = 9;
const SIZES = [4.4, 2.8, 2, 3.6, 2.4] as const;

type Point = { x: number; y: number; radius: number; opacity: number };

const points: readonly Point[] = Array.from({ length: ROWS * COLUMNS }, (_, index) => {
  const row = Math.floor(index / COLUMNS);
  const column = index % COLUMNS;
  const seed = (column * 7 + row * 13) % 11;
  return {
    x: column * STEP_X + (row % 2) * (STEP_X / 2),
    y: row * STEP_Y,
    radius: SIZES[(column * 3 + row * 2) % SIZES.length] ?? 2,
    // Lighter toward the lower end, where the words are not.
    opacity: 0.12 + 0.05 * (seed % 4) + 0.035 * ((row + column) / 2),
  };
});

const links = points
  .map(({ x, y }) => `M${x} ${y}l${STEP_X / 2} ${STEP_Y}M${x} ${y}l${-STEP_X / 2} ${STEP_Y}M${x} ${y}h${STEP_X}`)
  .join("");

/** The lattice, filling its box. */
export function LatticeDrawing({ className }: { className: string | undefined }) {
  return (
    <svg
      className={className}
      viewBox="0 0 760 600"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      fill="none"
    >
      <path d={links} stroke="var(--accent-on-brand)" strokeOpacity="0.13" />
      {points.map((point) => (
        <circle
          key={`${point.x} ${point.y}`}
          cx={point.x}
          cy={point.y}
          r={point.radius}
          fill="var(--accent-on-brand)"
          fillOpacity={point.opacity}
        />
      ))}
    </svg>
  );
}
