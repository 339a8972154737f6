// The smallest page with a talking face: one session, one WebRTC connection, one event stream.
// ?server=http://host:8000 names another server; ?avatar=nova another character.

const wishes = new URLSearchParams(location.search);
const server = wishes.get("server") ?? "http://127.0.0.1:8000";
const byId = (id) => document.getElementById(id);
let session = null;

async function call(method, path, body) {
  const response = await fetch(server + path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
    keepalive: method === "DELETE", // also while the page is being closed
    signal: AbortSignal.timeout(40_000),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

async function connect() {
  const { default_model: model } = await call("GET", "/models");
  const { session_id: id } = await call("POST", "/sessions", { avatar_id: wishes.get("avatar") ?? "demo-avatar", model });
  follow(id);

  const peer = new RTCPeerConnection();
  const stream = new MediaStream();
  byId("face").srcObject = stream;
  peer.addEventListener("track", ({ track }) => stream.addTrack(track));
  peer.addTransceiver("audio", { direction: "recvonly" });
  peer.addTransceiver("video", { direction: "recvonly" });
  await peer.setLocalDescription();
  // The offer must carry its candidates: they are gathered first, for two seconds at most.
  await new Promise((resolve) => {
    const done = () => peer.iceGatheringState === "complete" && resolve();
    peer.addEventListener("icegatheringstatechange", done);
    setTimeout(resolve, 2000);
    done();
  });
  const answer = await call("POST", `/sessions/${id}/webrtc/offer`, { sdp: peer.localDescription.sdp, type: "offer" });
  await peer.setRemoteDescription(answer);
  return id;
}

function follow(id) {
  const events = new EventSource(`${server}/sessions/${id}/events`);
  const on = (name, handle) => events.addEventListener(name, ({ data }) => data && handle(JSON.parse(data)));
  on("status", ({ stage }) => (byId("state").textContent = stage));
  on("speech.started", () => (byId("caption").textContent = ""));
  on("subtitle.chunk", ({ text }) => (byId("caption").textContent += text));
  on("error", ({ message }) => (byId("state").textContent = message));
  on("session.terminated", ({ reason }) => {
    events.close();
    session = null;
    byId("state").textContent = `The session has ended: ${reason}`;
  });
}

byId("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const words = byId("words").value.trim();
  if (!words) return;
  byId("words").value = "";
  try {
    session ??= connect();
    await call("POST", `/sessions/${await session}/chat`, { prompt: words });
  } catch (error) {
    session = null;
    byId("state").textContent = error.message;
  }
});

addEventListener("pagehide", async () => {
  if (session) await call("DELETE", `/sessions/${await session}`);
});
