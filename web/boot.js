// Runs before anything is painted: sets the theme, so that a dark room stays dark, asks the board for what the page shows first while
// its program is still on its way, and draws the pictures where their tiles will be; web/src/early.ts takes the answers and clears up.
try {
  const { theme, wasIn } = JSON.parse(localStorage.getItem('thimble') ?? '{}');
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
  // The page that is shown without a board asks nothing.
  if (wasIn === true && 'early' in document.currentScript.dataset) ask();
} catch {
  // Storage is refused, or holds what others wrote: the system's theme it is.
}

function ask() {
  const answers = new Map();
  const get = path => {
    const stop = new AbortController();
    const answer = fetch(path, { signal: stop.signal, cache: 'no-store' });
    // Whoever takes it is told.
    answer.catch(() => {});
    answers.set(path, { answer, stop });
    return answer;
  };
  const pictures = new Map();
  const draws = [];
  const [width, cameras, room, ...spots] = (localStorage.getItem('thimble-grid') ?? '').split(':');
  if (/^\d+$/.test(width) && /^\d+(,\d+)*$/.test(cameras) && /^(#\/?(\?.*)?)?$/.test(location.hash))
    for (const [index, id] of cameras.split(',').entries()) {
      const answer = get(`api/cameras/${id}/snapshot.jpg?width=${width}`);
      if (room !== `${innerWidth}x${innerHeight}` || !spots[index]) continue;
      pictures.set(Number(id), undefined);
      draws.push(draw(pictures, Number(id), answer, spots[index].split(',')));
    }
  void get('api/me');
  const heard = [];
  const socket = new WebSocket(new URL('api/updates', document.baseURI).href.replace(/^http/, 'ws'));
  socket.onmessage = ({ data }) => heard.push(data);
  window.early = { socket, heard, answers, pictures, drawn: Promise.allSettled(draws), sentMs: Date.now() };
}

// Where nobody is logged in any more the answer has no picture.
async function draw(pictures, id, answer, spot) {
  const { ok, body } = await answer.then(reply => reply.clone());
  if (!ok) return;
  const picture = await createImageBitmap(await new Response(body).blob());
  // Its tile may have been quicker.
  if (!pictures.has(id) || !document.body) return;
  const canvas = document.createElement('canvas');
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext('2d').drawImage(picture, 0, 0);
  canvas.dataset.early = id;
  canvas.ariaHidden = 'true';
  for (const [index, side] of ['left', 'top', 'width', 'height'].entries()) canvas.style[side] = `${spot[index]}px`;
  document.body.append(canvas);
  pictures.set(id, canvas);
}
