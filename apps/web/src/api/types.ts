/**
 * The shapes of the HTTP API that this page uses.
 * Everything else imports them from here, so that this file is the one place to change.
 */

export interface AvatarSummary {
  id: string;
  name: string;
  model_type: string;
  width: number;
  height: number;
  is_custom: boolean;
}

export interface ModelStatus {
  id: string;
  backend: string;
  connected: boolean;
  reason: string;
}

export interface ModelList {
  models: string[];
  statuses: ModelStatus[];
  default_model: string;
}

export interface LlmInfo {
  provider: string;
  model: string;
  demo: boolean;
}

export interface Health {
  status: string;
  version?: string;
  stt_key_set?: boolean;
  tts_key_set?: boolean;
  llm_key_set?: boolean;
  stt_provider?: string;
  tts_provider?: string;
  llm?: LlmInfo;
}

export interface SessionCreated {
  session_id: string;
  status: string;
}

export interface TurnAccepted {
  session_id: string;
  status: string;
  turn_id: string;
}

export interface SdpAnswer {
  sdp: string;
  type: string;
}
