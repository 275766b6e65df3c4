/** What changed between two runs. */

export function Comparison({ comparison }: { comparison: unknown }) {
  return <pre tabIndex={0}>{JSON.stringify(comparison, null, 2)}</pre>;
}
