/* global document, getComputedStyle */

// Evaluated in a page: a list of the texts whose contrast is under 4.5 (WCAG 2.2, 1.4.3).
(() => {
  const parse = (color) => color.match(/[\d.]+/g).map(Number);

  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) =>
      value <= 10.3 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  const background = (element) => {
    const color = parse(getComputedStyle(element).backgroundColor);
    const opaque = color[3] === undefined || color[3] === 1;
    return opaque || !element.parentElement ? color : background(element.parentElement);
  };

  const contrast = (element) => {
    const text = luminance(parse(getComputedStyle(element).color));
    const behind = luminance(background(element));
    return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
  };

  return Array.from(document.body.querySelectorAll('*'))
    .filter((element) =>
      Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim()),
    )
    .filter((element) => contrast(element) < 4.5)
    .map((element) => `${element.tagName} ${element.textContent.trim()}`);
})();
