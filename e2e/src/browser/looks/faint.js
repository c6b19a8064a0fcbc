// { texts: how many can be seen, faint: those with less contrast than 4.5 to 1 }
const numbers = (color) => color.match(/[\d.]+/g).map(Number);
const luminance = (color) => {
  const [r, g, b] = color.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const [r, g, b, alpha] = numbers(getComputedStyle(at).backgroundColor);
    if (alpha !== 0) return [r, g, b];
  }
};
const opacity = (element) => (element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1);
const texts = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility()
  && !element.closest(".for-readers, .skip, noscript, :disabled")
  && [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()));
const faint = texts.filter((element) => {
  const style = getComputedStyle(element);
  const [r, g, b, alpha = 1] = numbers(element.closest("svg") ? style.fill : style.color);
  const paper = ground(element);
  const ink = [r, g, b].map((v, i) => paper[i] + (v - paper[i]) * alpha * opacity(element));
  const [darker, lighter] = [luminance(ink), luminance(paper)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05) < 4.5;
});
return { texts: texts.length, faint: faint.map((element) => element.outerHTML.slice(0, 120)) };
