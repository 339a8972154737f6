/** The microphones of this browser: opening one, their list, and how loud one is. */

export interface Device {
  /** Empty until the person has allowed a microphone once. */
  id: string;
  label: string;
}

export interface OpenMicrophone {
  readonly track: MediaStreamTrack;
  readonly device: Device;
  /** The peak of the last tenth of a second, 0 to 1; null while the browser does not tell. */
  level(): number | null;
  close(): void;
}

export interface MicrophonePort {
  /** Why no microphone can be asked for on this page, or null. */
  missing(): "insecure" | "unsupported" | null;
  /** Asks for this microphone, or for the browser's choice. Rejects with the browser's own error. */
  open(device: Device | null): Promise<OpenMicrophone>;
  devices(): Promise<Device[]>;
  /** Calls back when one is plugged in or out; returns what ends that. */
  watch(onChange: () => void): () => void;
}

/** At 48 kHz just over the time between two looks at the level. */
const WINDOW_SAMPLES = 4_096;

export const browserMicrophones: MicrophonePort = {
  missing() {
    // Outside of HTTPS and of this machine browsers have no `mediaDevices` at all.
    if (!window.isSecureContext) return "insecure";
    return "mediaDevices" in navigator ? null : "unsupported";
  },

  async open(device) {
    const audio: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
    // A mere wish for an id is not heeded by Chromium.
    if (device?.id) audio.deviceId = { exact: device.id };
    const stream = await navigator.mediaDevices.getUserMedia({ audio, video: false });
    try {
      return new Opened(stream);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
  },

  async devices() {
    const all = await navigator.mediaDevices.enumerateDevices();
    return all.filter(({ kind }) => kind === "audioinput").map(({ deviceId, label }) => ({ id: deviceId, label }));
  },

  watch(onChange) {
    navigator.mediaDevices.addEventListener("devicechange", onChange);
    return () => {
      navigator.mediaDevices.removeEventListener("devicechange", onChange);
    };
  },
};

class Opened implements OpenMicrophone {
  readonly track: MediaStreamTrack;
  readonly device: Device;
  private readonly context = new AudioContext();
  private readonly meter: AnalyserNode;
  private readonly samples = new Float32Array(WINDOW_SAMPLES);

  constructor(stream: MediaStream) {
    const track = stream.getAudioTracks()[0];
    if (!track) throw new DOMException("The stream has no sound.", "NotFoundError");
    this.track = track;
    this.device = { id: track.getSettings().deviceId ?? "", label: track.label };
    this.meter = new AnalyserNode(this.context, { fftSize: WINDOW_SAMPLES });
    new MediaStreamAudioSourceNode(this.context, { mediaStream: stream }).connect(this.meter);
    // Safari may begin a context that waits, although the person has just clicked.
    void this.context.resume().catch(() => undefined);
  }

  level(): number | null {
    if (this.context.state !== "running") return null;
    this.meter.getFloatTimeDomainData(this.samples);
    return this.samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
  }

  close(): void {
    this.track.stop();
    void this.context.close().catch(() => undefined);
  }
}
