import type { ReactElement } from "react";

/** Decorative line icons on a 24-unit grid; the control around them carries the label. */
function icon(path: ReactElement): () => ReactElement {
  return function Icon() {
    return (
      <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        {path}
      </svg>
    );
  };
}

export const SendIcon = icon(<path d="M12 19V5m0 0-6 6m6-6 6 6" />);
export const StopIcon = icon(<rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor" stroke="none" />);
export const CaptionsIcon = icon(
  <>
    <rect x="3" y="5" width="18" height="14" rx="3" />
    <path d="M10.500 10.200a2.200 2.200 0 1 0 0 3.600M17 10.200a2.200 2.200 0 1 0 0 3.600" />
  </>,
);
export const QuoteIcon = icon(<path d="M5 13.500c0-3.500 1.500-6 4.500-7M5 13.500A2.250 2.250 0 1 0 9.500 13.500 2.250 2.250 0 0 0 5 13.500Zm9 0c0-3.500 1.500-6 4.500-7M14 13.500a2.250 2.250 0 1 0 4.500 0 2.250 2.250 0 0 0-4.500 0Z" />);
export const PeopleIcon = icon(
  <>
    <circle cx="9" cy="8.500" r="3.500" />
    <path d="M2.500 19.500a6.500 6.500 0 0 1 13 0M16 5.300a3.500 3.500 0 0 1 0 6.400m2 2.600a6.500 6.500 0 0 1 3.500 5.200" />
  </>,
);
export const PhotoIcon = icon(
  <>
    <path d="M12 19H6a3 3 0 0 1-3-3V9a3 3 0 0 1 3-3h1.500l1.500-2h6l1.500 2H18a3 3 0 0 1 3 3v2.500" />
    <circle cx="12" cy="12.500" r="3.500" />
    <path d="M18.500 15.500v6m3-3h-6" />
  </>,
);
export const DeleteIcon = icon(<path d="M4.500 7h15M9.500 7V4.500h5V7m-7.500 0 1 12.500h8L17 7M10.500 10.500v5.500m3-5.500v5.500" />);
export const CheckIcon = icon(<path d="m5.500 12.500 4.500 4.500 8.500-9.500" />);
export const CloseIcon = icon(<path d="m7 7 10 10M17 7 7 17" />);
export const VideoIcon = icon(
  <>
    <rect x="3" y="6.500" width="12.500" height="11" rx="3" />
    <path d="m15.500 11 5-3v8l-5-3" />
  </>,
);
export const MicrophoneIcon = icon(
  <>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3" />
  </>,
);
export const MicrophoneOffIcon = icon(
  <>
    <path d="M9 9v2a3 3 0 0 0 4.600 2.500M15 10.500V6a3 3 0 0 0-5.700-1.300M5.500 11.500a6.500 6.500 0 0 0 10.300 5.300m2.500-3.300c.1-.6.2-1.300.2-2M12 18v3M4 4l16 16" />
  </>,
);
export const MoreIcon = icon(<path d="m7 14.500 5-5 5 5" />);
export const SoundOffIcon = icon(<path d="M4 10v4h3.500L12 18V6L7.500 10H4Zm12 0 5 5m0-5-5 5" />);
export const SoundIcon = icon(<path d="M4 10v4h3.500L12 18V6L7.500 10H4Zm11.500-1.500a5 5 0 0 1 0 7M18 6a8.500 8.500 0 0 1 0 12" />);
