"use strict";
// The page is whole without this; it widens the timeline around what is in its middle, and opens what a link leads to.
const zoom = document.getElementById("zoom");
const tracks = document.querySelector(".tracks");
zoom.addEventListener("input", () => {
  const middle = (tracks.scrollLeft + tracks.clientWidth / 2) / tracks.scrollWidth;
  tracks.firstElementChild.style.setProperty("--zoom", String(2 ** Number(zoom.value)));
  tracks.scrollLeft = middle * tracks.scrollWidth - tracks.clientWidth / 2;
});
zoom.closest("label").hidden = false;
addEventListener("hashchange", () => {
  const part = document.getElementById(location.hash.slice(1));
  if (part) part.open = true;
});
