/** Where a key leads from place `at` of a grid with `count` places; null for keys that lead nowhere. */
export function stepOf(key: string, at: number, count: number, columns: number): number | null {
  const places: Record<string, number> = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: 0,
    End: count - 1,
  };
  const place = places[key];
  return place === undefined || place < 0 || place >= count ? null : place;
}
