// Each person's note, in memory: what a database would be for.

const notes = new Map<string, string>();

export const noteOf = (id: string) => notes.get(id) ?? "";

export const keepNote = (id: string, note: string) => notes.set(id, note.slice(0, 500));
