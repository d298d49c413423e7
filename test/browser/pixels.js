/* global document, Image */

// Evaluated in a page: gives it a function for the colours that a picture, as a data: URL, has at points.
globalThis.colorsAt = async (picture, points) => {
  const image = new Image();
  image.src = picture;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return points.map(([x, y]) => context.getImageData(x, y, 1, 1).data.join(' '));
};
