// WebRTC in Chromium without go2rtc: what the page asks the board for is answered in the page itself, by a peer that sends a moving
// picture or takes a voice. Only for tests in a network of their own: each peer listens for multicast.
import type { Page } from 'playwright-core';
import { OWN_ADDRESS } from './own-network.ts';

/** What the board would do next; kept on `window.rtc` of the page, together with what it was asked. */
export interface RtcSeen {
  /** Bodies of the offers, in order. */
  offers: { sdp: string; stream?: string; talk?: boolean }[];
  /** Sessions that were left. */
  left: string[];
  /** The last of them was told so that it arrives though the page goes. */
  outlives?: boolean;
}

/** Runs in the page before its own scripts, as text. `mode`: `answer`, `refuse` (in words), `silent` (an answer that leads nowhere). */
export const FAKE_RTC = `
window.rtc = { mode: 'answer', offers: [], left: [], peers: [], address: '${OWN_ADDRESS}' };
{
  const real = window.fetch.bind(window);
  const json = (status, body) => new Response(body && JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
  const picture = () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
    const context = canvas.getContext('2d');
    let turn = 0;
    setInterval(() => {
      context.fillStyle = 'hsl(' + (turn++ * 20) % 360 + ' 80% 50%)';
      context.fillRect(0, 0, 320, 180);
    }, 50);
    return canvas.captureStream(20);
  };
  const answer = async ({ sdp }) => {
    const peer = new RTCPeerConnection({ iceServers: [] });
    rtc.peers.push(peer);
    await peer.setRemoteDescription({ type: 'offer', sdp });
    const [first] = peer.getTransceivers();
    if (first.receiver.track.kind === 'video') {
      first.direction = 'sendonly';
      const stream = picture();
      await first.sender.replaceTrack(stream.getVideoTracks()[0]);
    }
    await peer.setLocalDescription(await peer.createAnswer());
    while (peer.iceGatheringState !== 'complete') await new Promise(resolve => setTimeout(resolve, 10));
    // As the board does: one address, and none that would have to be looked up.
    const own = peer.localDescription.sdp.replace(/ [\\w-]+\\.local /g, ' ' + rtc.address + ' ');
    return rtc.mode === 'silent' ? own.replace(/^a=candidate.*\\r\\n/gm, '') : own;
  };
  window.fetch = async (input, options = {}) => {
    const found = /api\\/cameras\\/\\d+\\/(webrtc|talk)(?:\\/([^/?]+))?$/.exec(String(input));
    if (!found) return real(input, options);
    if (options.method === 'PUT') return json(204);
    if (options.method === 'DELETE') {
      rtc.left.push(found[2]);
      rtc.outlives = options.keepalive;
      return json(204);
    }
    const body = JSON.parse(options.body);
    rtc.offers.push(found[1] === 'talk' ? { ...body, talk: true } : body);
    if (rtc.mode === 'refuse')
      return json(503, { error: { kind: 'unavailable', message: 'too many watch over WebRTC', cure: 'Close another one.' } });
    const more = found[1] === 'talk' ? { keepMs: 30000 } : { sound: false };
    return json(201, { sdp: await answer(body), session: 's' + rtc.offers.length, ...more });
  };
}
`;

/** Cameras can what the board does not let them: changes what it says of each before the page hears it. */
export async function pretend(page: Page, can: Readonly<Record<string, unknown>>): Promise<void> {
  await page.routeWebSocket(/\/api\/updates/, socket => {
    const board = socket.connectToServer();
    board.onMessage(message => {
      const update = JSON.parse(String(message)) as { cameras?: Changed[]; camera?: Changed | number };
      const cameras = [...(update.cameras ?? []), ...(typeof update.camera === 'object' ? [update.camera] : [])];
      for (const camera of cameras)
        if (camera.can) Object.assign(camera, { can: { ...camera.can, ...can }, cannot: {} });
      socket.send(JSON.stringify(update));
    });
  });
}

interface Changed {
  can?: Record<string, unknown>;
}
