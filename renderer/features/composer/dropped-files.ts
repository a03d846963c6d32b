/**
 * Files that come by drag and drop or by paste. Used by ComposerPane and ComposerView.
 * Invariants: a folder is never taken for a file; copied text stays text, whatever pictures of it come along; nothing
 * is taken that is dropped on a dialog, which may want it for itself.
 */
import { useEffect, useEffectEvent, useState } from "react";

export type DroppedFiles = { files: readonly File[]; hasFolders: boolean };

/** The files of a drop. Must be called while its event is handled. */
export function readDrop(data: DataTransfer): DroppedFiles {
  const files: File[] = [];
  let hasFolders = false;
  for (const item of data.items) {
    if (item.kind !== "file") continue;
    const isFolder = item.webkitGetAsEntry()?.isDirectory === true;
    const file = isFolder ? null : item.getAsFile();
    if (isFolder) hasFolders = true;
    else if (file !== null) files.push(file);
  }
  return { files, hasFolders };
}

/** The files of a paste: none where there is text as well, as from a table or a text program. */
export function readPaste(data: DataTransfer): readonly File[] {
  return data.types.includes("text/plain") ? [] : [...data.files];
}

const isForUs = (event: DragEvent): boolean =>
  event.dataTransfer?.types.includes("Files") === true &&
  !(event.target instanceof Element && event.target.closest("[role=dialog], [role=alertdialog]") !== null);

/** Takes what is dropped anywhere on the window, as long as `isOpen`; true while files hover over it. */
export function useFileDrop(isOpen: boolean, onDrop: (dropped: DroppedFiles) => void): boolean {
  const [isOver, setIsOver] = useState(false);
  const take = useEffectEvent(onDrop);
  useEffect(() => {
    if (!isOpen) return undefined;
    const over = (event: DragEvent) => {
      if (!isForUs(event)) return setIsOver(false);
      // Without this, Chromium would open the file in place of the page.
      event.preventDefault();
      if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
      setIsOver(true);
    };
    const drop = (event: DragEvent) => {
      setIsOver(false);
      if (!isForUs(event) || event.dataTransfer === null) return;
      event.preventDefault();
      take(readDrop(event.dataTransfer));
    };
    const leave = (event: DragEvent) => {
      // Only who leaves the window goes to nothing.
      if (event.relatedTarget === null) setIsOver(false);
    };
    window.addEventListener("dragenter", over);
    window.addEventListener("dragover", over);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragenter", over);
      window.removeEventListener("dragover", over);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
      setIsOver(false);
    };
  }, [isOpen]);
  return isOver;
}
