import { useEffect, useState } from "react";

/** The local clock in milliseconds, renewed each second while `active`. */
export function useNow(active: boolean): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (!active) return;
    const tick = (): void => {
      setNow(performance.now());
    };
    const timer = setInterval(tick, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, [active]);
  return now;
}
