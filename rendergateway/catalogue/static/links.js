// Links that scripts add to a page: to objects, and to places in other viewers.

export function address(base, values) {
  const url = new URL(base, location.href);
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
  return url.href;
}

export function named(text) {
  const name = document.createElement("bdi");
  name.append(text);
  return name;
}

export function anchor(href, ...words) {
  const link = document.createElement("a");
  link.href = href;
  link.append(...words);
  return link;
}

export function list(links) {
  const found = document.createElement("ul");
  for (const link of links) {
    const item = document.createElement("li");
    item.append(link);
    found.append(item);
  }
  return found;
}

// Links to a point of the world in the viewers of its stack, in CATMAID at several levels of detail.
export function viewerLinks({ nm, neuroglancer, catmaid, ndviz }, [x, y, z], levels) {
  const links = [];
  if (neuroglancer) {
    const [page, text] = neuroglancer.split("#!");
    const state = JSON.parse(decodeURIComponent(text));
    if (state.position) state.position = [x, y, z];
    links.push(foreign(`${page}#!${encodeURIComponent(JSON.stringify(state))}`, "Neuroglancer"));
  }
  for (const level of catmaid ? levels : []) {
    const values = { xp: x * nm[0], yp: y * nm[1], zp: z * nm[2], s0: level };
    const url = Object.entries(values).reduce(
      (found, [name, value]) => found.replace(new RegExp(`([?&]${name}=)[^&]*`), `$1${value}`),
      catmaid,
    );
    links.push(foreign(url, `CATMAID level ${level}`));
  }
  if (ndviz) links.push(foreign(ndviz, "NdViz"));
  return links;
}

function foreign(href, title) {
  const host = document.createElement("span");
  host.className = "unit";
  host.append(new URL(href).host);
  const link = anchor(href, title, " ", host);
  link.rel = "noreferrer noopener external";
  return link;
}
