// Tells the page around a frame how high the content is, so that the frame needs no scroll bar.

const framers = document.body.dataset.framers.split(" ");
// Not every browser names the page around. It gets no message that is for another origin.
const around = location.ancestorOrigins?.[0];
const targets = framers.filter((origin) => !around || origin === around);
let told = 0;

const tell = () => {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  if (height === told) return;
  told = height;
  for (const target of targets) parent.postMessage({ type: "rally:height", height }, target);
};

if (parent !== self) new ResizeObserver(tell).observe(document.body);
