// Sets the theme before anything is painted, so that a dark room stays dark. Hides where the choice is kept.
try {
  const { theme } = JSON.parse(localStorage.getItem('thimble') ?? '{}');
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is refused, or holds what others wrote: the system's theme it is.
}
