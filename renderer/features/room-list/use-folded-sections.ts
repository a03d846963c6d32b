/**
 * Which sections of the list are folded, kept over restarts. Used by RoomListPane.
 * Invariant: what is stored is parsed; damage means "nothing is folded".
 */
import { useCallback, useState } from "react";
import { sectionIds } from "./room-list-model.ts";
import type { SectionId } from "./room-list-model.ts";

const STORAGE_KEY = "lattice.room-list.folded";

function readFolded(): ReadonlySet<SectionId> {
  const stored = (localStorage.getItem(STORAGE_KEY) ?? "").split(" ");
  return new Set(sectionIds.filter((section) => stored.includes(section)));
}

/** The folded sections, and how to fold or unfold one. */
export function useFoldedSections(): [ReadonlySet<SectionId>, (section: SectionId) => void] {
  const [folded, setFolded] = useState(readFolded);
  const toggle = useCallback((section: SectionId) => {
    setFolded((before) => {
      const next = new Set(before);
      if (!next.delete(section)) next.add(section);
      localStorage.setItem(STORAGE_KEY, [...next].join(" "));
      return next;
    });
  }, []);
  return [folded, toggle];
}
