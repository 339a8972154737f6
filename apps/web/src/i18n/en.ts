/** Every sentence of the page in English; the keys are the contract that other languages fill. */
export const en = {
  "app.name": "OpenTalking",
  "app.title": "{name} · OpenTalking",
  "app.character": "the character",

  "stage.preview": "Picture of {name}",
  "stage.video": "Live video of {name}",
  "stage.sound": "Tap to hear {name}",

  "label.ai": "AI-generated",

  "start.button": "Talk to {name}",
  "start.again": "Start again",
  "start.retry": "Try again",
  "start.hint": "{name} is an AI character. It answers aloud, so turn your sound on.",
  "start.languages": "Write in {languages}.",

  "people.open": "People",
  "people.title": "Pick someone to talk to",
  "people.close": "Close",
  "people.switch": "Choosing someone else ends this conversation and begins a new one.",
  "people.current": "on the stage now",
  "people.voice": "Voice:",
  "people.failed": "The list could not be renewed, so it may be out of date.",

  "composer.label": "Your message",
  "composer.placeholder": "Write to {name}…",
  "composer.placeholder.verbatim": "Words for {name} to say…",
  "composer.send": "Send",
  "composer.stop": "Stop (Esc)",
  "composer.verbatim": "Say it word for word",
  "composer.verbatim.hint": "{name} says your text instead of answering it",

  "captions.toggle": "Captions",
  "captions.you": "You",

  "status.loading": "Loading…",
  "status.ready": "Ready",
  "status.connecting": "Connecting…",
  "status.connecting.elapsed": "Connecting… {seconds} s",
  "status.queued": "Waiting for a free place, number {position}",
  "status.idle": "Listening",
  "status.thinking": "Thinking…",
  "status.speaking": "Speaking",
  "status.interrupted": "Stopped",
  "status.reconnecting": "Connection lost. Trying again ({attempt} of {of})…",
  "status.reconnecting.in": "Connection lost. Next try in {seconds} s",
  "status.failed": "Not connected",
  "status.ended": "Conversation ended",
  "status.offline": "You are offline",

  "who.demo": "Demo model",
  "who.model": "{model}",
  "who.none": "No language model",
  "who.label": "Who answers",
  "who.provider": "{model} answers, by way of {provider}.",
  "who.demo.what":
    "{model} is a tiny language model that comes with OpenTalking, so that everything works offline. It shows voice and face; do not rely on what it says.",
  "who.demo.how":
    "For real answers, start Ollama or LM Studio on the server, or set OPENTALKING_LLM_BASE_URL, OPENTALKING_LLM_API_KEY and OPENTALKING_LLM_MODEL in the file .env; then restart the server.",
  "who.none.what": "The server has no language model, so {name} can say your text but cannot answer it.",
  "who.none.how":
    "Run “opentalking models pull --embedded” on the server, or set OPENTALKING_LLM_BASE_URL, OPENTALKING_LLM_API_KEY and OPENTALKING_LLM_MODEL; then restart it.",

  "remedy.tts": "{name} has no voice yet: the server's speech engine ({provider}) is not ready.",
  "remedy.tts.how":
    "Run “opentalking models pull --embedded” on the server, or set the key of the chosen provider; then restart it.",
  "remedy.model": "The renderer {model} is not ready ({reason}), so {used} stands in for it.",
  "remedy.model.how": "If it says weights_missing, run “opentalking models pull --embedded” on the server and restart it.",

  "fail.load.title": "The server does not answer",
  "fail.load.what": "The page came, but the list of characters did not. Is the server still running?",
  "fail.no_avatar.title": "There is no character to talk to",
  "fail.no_avatar.what": "The server's folder of avatars is empty or cannot be read. Check OPENTALKING_AVATARS_DIR.",
  "fail.no_model.title": "No renderer is ready",
  "fail.no_model.what": "Run “opentalking models pull --embedded” on the server, then restart it.",
  "fail.server_full.title": "All places are taken",
  "fail.server_full.what": "The server has as many conversations as it can carry. Wait for one to end and try again.",
  "fail.server_full.wait": "It suggests to try again in {seconds} s.",
  "fail.create.title": "The conversation could not be started",
  "fail.create.what": "The server refused to open it, for the reason below.",
  "fail.queue_timeout.title": "The wait was too long",
  "fail.queue_timeout.what": "No place became free in time. Try again later.",
  "fail.webrtc.title": "Video and sound do not come through",
  "fail.webrtc.what": "The server answers, but its media packets do not reach this browser. The two usual causes:",
  "fail.webrtc.try1":
    "A firewall or container blocks UDP. Set OPENTALKING_RTC_PORT_RANGE and open those ports, or give the container the host's network.",
  "fail.webrtc.try2":
    "Server and browser are in different networks. Set a TURN server in OPENTALKING_ICE_SERVERS, or turn off a VPN that blocks WebRTC.",
  "fail.no_webrtc.title": "This browser cannot show live video",
  "fail.no_webrtc.what": "WebRTC is missing or switched off. Use a current Chrome, Edge, Firefox or Safari.",
  "fail.unreachable.title": "The server cannot be reached",
  "fail.unreachable.what": "It may have stopped, or your network is down. Check both and try again.",

  "end.expired.title": "This conversation has run out",
  "end.expired.what": "It was idle for long or reached the server's time limit. A new one starts at once.",
  "end.peer_lost.title": "The connection was away too long",
  "end.peer_lost.what": "The server closed the conversation while your network was down.",
  "end.worker_lost.title": "The server lost this conversation",
  "end.worker_lost.what": "The process behind it stopped. Start again; if it keeps happening, look at the server's log.",
  "end.gone.title": "This conversation no longer exists",
  "end.gone.what": "The server was probably restarted.",
  "end.closed.title": "The conversation was closed",
  "end.closed.what": "Start a new one whenever you like.",

  "notice.llm_failed": "The language model did not answer. Check that it runs and that its address and key are right, then send again.",
  "notice.tts_failed": "A part of the answer could not be turned into speech. Check the voice engine, then send again.",
  "notice.stt_failed": "Your speech could not be recognised. Try again or write instead.",
  "notice.render_failed": "The picture could not be drawn for this answer. Send again; if it repeats, restart the server.",
  "notice.send_failed": "Your message did not reach the server. Send it again.",
  "notice.stop_failed": "The server did not take the stop. The sound is off until the next answer.",
  "notice.unknown": "Something went wrong on the server during this answer. Send it again.",
  "notice.expiring": "This conversation ends in {seconds} s unless you go on.",

  "detail.show": "Details",
  "action.dismiss": "Dismiss",
} as const;

export type MessageKey = keyof typeof en;
export type Catalogue = Record<MessageKey, string>;
