import { type ReactNode, useState } from "react";

interface Props {
  src: string;
  /** Whose picture it is; its first letter stands in for a picture that does not come. */
  name: string;
  alt: string;
  className: string;
  lazy?: boolean;
  children?: ReactNode;
}

/** A picture of a character that fades in when it is there. */
export function Portrait({ src, name, alt, className, lazy = false, children }: Props) {
  const [state, setState] = useState<"loading" | "shown" | "broken">("loading");
  return (
    <span className={`portrait ${className}`} data-picture={state}>
      {state === "broken" ? (
        <span className="portrait-letter" role={alt ? "img" : undefined} aria-label={alt || undefined} aria-hidden={alt ? undefined : true}>
          {Array.from(name.trim())[0]?.toUpperCase() ?? "?"}
        </span>
      ) : (
        <img
          src={src}
          alt={alt}
          loading={lazy ? "lazy" : "eager"}
          decoding="async"
          draggable={false}
          onLoad={() => {
            setState("shown");
          }}
          onError={() => {
            setState("broken");
          }}
        />
      )}
      {children}
    </span>
  );
}
