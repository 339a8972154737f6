import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { ApiClient } from "./api/client";
import { TranslateProvider, pickLanguage, translator } from "./i18n";
import { Cast } from "./session/cast";
import { readWishes } from "./session/choose";
import { Microphone } from "./session/microphone";
import { SessionController } from "./session/controller";
import { Voice } from "./session/voice";
import { recall } from "./storage";
import "./styles/base.css";
import "./styles/stage.css";
import "./styles/controls.css";
import "./styles/microphone.css";
import "./styles/people.css";
import "./styles/make.css";

declare global {
  interface Window {
    /** For people at the browser's console and for tests. */
    __opentalking: { readonly sessionId: string | null; readonly peer: RTCPeerConnection | null };
  }
}

const language = pickLanguage(navigator.languages);
document.documentElement.lang = language;

const wishes = readWishes(location.search, recall("avatar"));
const client = new ApiClient();
const cast = new Cast(client);
const controller = new SessionController(client, wishes);
const voice = new Voice(controller, new Microphone(), client);

window.__opentalking = {
  get sessionId() {
    return controller.getState().sessionId;
  },
  get peer() {
    return controller.peer?.connection ?? null;
  },
};

window.addEventListener("pagehide", () => {
  voice.leave();
});
// A page that comes back from the browser's cache has lost its session.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
for (const type of ["online", "offline"]) {
  window.addEventListener(type, () => {
    controller.setOffline(!navigator.onLine);
  });
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <TranslateProvider value={translator(language)}>
        <App client={client} cast={cast} controller={controller} voice={voice} />
      </TranslateProvider>
    </StrictMode>,
  );
}

void controller.load().then(() => (wishes.autostart ? controller.start() : undefined));
