// The look (companion/figures/look.json: widths, dashes, marks, sizes, and the light colours), which the build puts here.

export const LOOK = {};
