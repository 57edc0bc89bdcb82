/** How much is kept of what happened: by the server for pages that come late, and by a page that stays open for weeks. */
export const kept = { points: 1200, losses: 2000, events: 300 } as const;

/** A list that is full without every second of its older half, so that a long run keeps its beginning. */
export const thinned = <T>(list: T[], most: number): T[] => (list.length <= most ? list : list.filter((_, index) => index > most / 2 || index % 2 === 0));
