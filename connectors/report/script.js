"use strict";
// The page is whole without this; it only widens the timeline around what is in its middle.
const zoom = document.getElementById("zoom");
const tracks = document.querySelector(".tracks");
zoom.addEventListener("input", () => {
  const middle = (tracks.scrollLeft + tracks.clientWidth / 2) / tracks.scrollWidth;
  tracks.firstElementChild.style.setProperty("--zoom", String(2 ** Number(zoom.value)));
  tracks.scrollLeft = middle * tracks.scrollWidth - tracks.clientWidth / 2;
});
zoom.closest("label").hidden = false;
