import { useState } from "react";

export interface Layer<Value> {
  key: number;
  value: Value;
}

/** The current value above the one before it, so that one picture can fade into another. */
export function useLayers<Value>(value: Value): Layer<Value>[] {
  const [layers, setLayers] = useState<Layer<Value>[]>([{ key: 0, value }]);
  const top = layers.at(-1);
  if (!top || Object.is(top.value, value)) return layers;
  const next = [top, { key: top.key + 1, value }];
  setLayers(next);
  return next;
}
