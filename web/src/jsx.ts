// What the build makes of JSX: calls with children as arguments, which packs smaller than children as a property.
export { Fragment, h } from 'preact';
