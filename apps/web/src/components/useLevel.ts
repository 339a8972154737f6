import { type RefObject, useEffect, useRef } from "react";

/** Tells where a meter stands, 0 to 1; returns what ends that. */
export type LevelSource = (listener: (position: number) => void) => () => void;

/** Keeps `--level` of the element at the meter's position, without a render. */
export function useLevel<E extends HTMLElement>(source: LevelSource): RefObject<E | null> {
  const element = useRef<E>(null);
  useEffect(
    () =>
      source((position) => {
        element.current?.style.setProperty("--level", position.toFixed(2));
      }),
    [source],
  );
  return element;
}
