// Runs before anything is painted: sets the theme, so that a dark room stays dark, and asks the board for what the page shows first,
// while its program is still on its way; web/src/early.ts takes the answers. Hides where the choices are kept.
try {
  const { theme, wasIn } = JSON.parse(localStorage.getItem('thimble') ?? '{}');
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
  // The page that is shown without a board asks nothing.
  if (wasIn === true && 'early' in document.currentScript.dataset) ask();
} catch {
  // Storage is refused, or holds what others wrote: the system's theme it is.
}

function ask() {
  const heard = [];
  const socket = new WebSocket(new URL('api/updates', document.baseURI).href.replace(/^http/, 'ws'));
  socket.onmessage = ({ data }) => heard.push(data);
  const answers = new Map();
  const get = path => {
    const stop = new AbortController();
    const answer = fetch(path, { signal: stop.signal, cache: 'no-store' });
    // Whoever takes it is told.
    answer.catch(() => {});
    answers.set(path, { answer, stop });
  };
  window.early = { socket, heard, answers, sentMs: Date.now() };
  get('api/me');
  const [, width, cameras = ''] = /^(\d+):(\d+(?:,\d+)*)$/.exec(localStorage.getItem('thimble-grid') ?? '') ?? [];
  if (/^(#\/?(\?.*)?)?$/.test(location.hash))
    for (const id of cameras.split(',')) if (id) get(`api/cameras/${id}/snapshot.jpg?width=${width}`);
}
