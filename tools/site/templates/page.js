"use strict"
// What every page can do: search, a table of contents that knows where you are, copying, printing.
// No library, no request but for search/*.js beside the pages.

const find = (selector, root = document) => root.querySelector(selector)
const all = (selector, root = document) => [...root.querySelectorAll(selector)]

/** Say something to a screen reader. */
function say(words) {
  const place = find("#said")
  place.textContent = ""
  setTimeout(() => { place.textContent = words }, 50)
}

// ---- the table of contents ----

const contents = find(".toc")
if (contents) {
  const fold = find("details", contents)
  const narrow = matchMedia("(max-width: 62rem)")
  const adapt = () => { fold.open = !narrow.matches }
  adapt()
  narrow.addEventListener("change", adapt)
  find("summary", contents).addEventListener("click", event => {
    if (!narrow.matches) event.preventDefault() // beside the text it stays open
  })
  const links = all("a", contents)
  const headings = links.map(link => document.getElementById(decodeURIComponent(link.hash.slice(1))))
  let waiting = false
  const mark = () => {
    waiting = false
    let current = -1
    headings.forEach((heading, place) => {
      if (heading && heading.getBoundingClientRect().top < 150) current = place
    })
    links.forEach((link, place) => {
      if (place !== current) return link.removeAttribute("aria-current")
      if (link.hasAttribute("aria-current")) return
      link.setAttribute("aria-current", "true")
      const box = link.getBoundingClientRect()
      const frame = contents.getBoundingClientRect()
      if (box.top < frame.top || box.bottom > frame.bottom) contents.scrollTop += box.top - frame.top - 100
    })
  }
  addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(mark)
    waiting = true
  }, { passive: true })
  mark()
  links.forEach(link => link.addEventListener("click", () => { if (narrow.matches) fold.open = false }))
}

// ---- what is wider than its place can be scrolled with the keyboard ----

const wide = all("pre, .wide, .board, math[display=block]")
function reach() {
  for (const box of wide) {
    const scrolls = box.scrollWidth > box.clientWidth + 1
    if (scrolls) {
      box.tabIndex = 0
      if (box.localName === "math") continue // it is announced as what it is
      box.setAttribute("role", "group")
      box.setAttribute("aria-label", box.matches("pre") ? "code or text, scrolls sideways" : "scrolls sideways")
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name)
    }
  }
}
addEventListener("resize", reach)
addEventListener("load", reach)
document.addEventListener("toggle", reach, true)

// ---- copying ----

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
  } catch { // an old browser, or a page that is a file
    const field = document.createElement("textarea")
    field.value = text
    document.body.append(field)
    field.select()
    document.execCommand("copy")
    field.remove()
  }
}
for (const code of all(".input_area, .rendered_html .highlight")) {
  const button = document.createElement("button")
  button.type = "button"
  button.className = "copy"
  button.textContent = "Copy"
  button.setAttribute("aria-label", "Copy this code")
  button.addEventListener("click", async () => {
    await copy(find("pre", code).textContent.trimEnd() + "\n")
    button.textContent = "Copied"
    button.classList.add("done")
    say("Copied")
    setTimeout(() => { button.textContent = "Copy"; button.classList.remove("done") }, 1600)
  })
  code.classList.add("copyable")
  code.append(button)
}

// ---- printing: what is folded is opened, and closed again ----

let opened = []
addEventListener("beforeprint", () => {
  opened = all("details:not([open], .setup)")
  for (const fold of opened) fold.open = true
})
addEventListener("afterprint", () => { for (const fold of opened) fold.open = false })

// A link to something folded opens it.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
  for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true
}
addEventListener("hashchange", unfold)
unfold()

// ---- search ----

const search = find("#search")
const field = find("input", search)
const results = find("ol", search)
const told = find("output", search)
const known = [] // {page, title, anchor, heading, text, plain, head}
let loading = null

/** Small letters without accents, of the same length, so that places in it are places in the text. */
const simple = text => [...text].map(letter => {
  const plain = letter.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase()
  return plain.length === letter.length ? plain : letter
}).join("")

/** Called by search/NAME.js. */
window.addPage = (page, title, sections) => {
  for (const [anchor, heading, text] of sections) {
    known.push({ page, title, anchor, heading, text, plain: simple(text), head: simple(heading || title) })
  }
}

const load = name => new Promise(done => {
  const script = document.createElement("script")
  script.src = `search/${name}.js`
  script.onload = script.onerror = done
  document.head.append(script)
})

async function open() {
  if (!search.open) search.showModal()
  field.select()
  loading ??= Promise.all(search.dataset.pages.split(" ").filter(Boolean).map(load))
  await loading
  if (!known.length) told.textContent = "The search needs the folder “search” beside this page."
  look()
}

/** Where a word, or a word that begins with it, stands in a text: [place, whether it is whole]; or null. */
function placeOf(word, plain) {
  const exact = new RegExp(`(?<![\\p{L}\\p{N}])${word}`, "u").exec(plain)
  if (!exact) return null
  const whole = new RegExp(`(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`, "u").exec(plain)
  return whole ? [whole.index, true] : [exact.index, false]
}

/** Each section that has all words, the best first. */
function matches(words) {
  const found = []
  for (const section of known) {
    let score = 0
    let first = Infinity
    for (const word of words) {
      const inHead = placeOf(word, section.head)
      const inText = placeOf(word, section.plain)
      if (!inHead && !inText) { score = -1; break }
      score += (inHead ? (inHead[1] ? 20 : 12) : 0) + (inText ? (inText[1] ? 4 : 2) : 0)
      if (inText) first = Math.min(first, inText[0])
    }
    if (score > 0) found.push({ section, score, first: first === Infinity ? 0 : first })
  }
  return found.sort((a, b) => b.score - a.score)
}

/** A piece of text around a place, with the words marked. */
function excerpt(section, first, words) {
  const from = first < 60 ? 0 : section.text.lastIndexOf(" ", first - 50) + 1
  const piece = section.text.slice(from, from + 190)
  const plain = simple(piece)
  const line = document.createElement("p")
  line.append(from ? "… " : "")
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.join("|")})[\\p{L}\\p{N}]*`, "gu")
  let last = 0
  for (const match of plain.matchAll(pattern)) {
    const mark = document.createElement("mark")
    mark.textContent = piece.slice(match.index, match.index + match[0].length)
    line.append(piece.slice(last, match.index), mark)
    last = match.index + match[0].length
  }
  line.append(piece.slice(last) + (from + 190 < section.text.length ? " …" : ""))
  return line
}

function look() {
  const words = simple(field.value).split(/[^\p{L}\p{N}_]+/u).filter(Boolean)
  results.replaceChildren()
  if (!words.length) {
    if (known.length) told.textContent = "Type a word, or how it begins."
    return
  }
  const found = matches(words)
  told.textContent = found.length === 1 ? "1 section" : `${found.length} sections`
  for (const { section, first } of found.slice(0, 30)) {
    const link = document.createElement("a")
    link.href = `${section.page}.html${section.anchor ? "#" + encodeURIComponent(section.anchor) : ""}`
    const place = document.createElement("small")
    place.textContent = `${section.page.split("_")[0]} · ${section.title}`
    const heading = document.createElement("strong")
    heading.textContent = section.heading || section.title
    link.append(place, heading, excerpt(section, first, words))
    link.addEventListener("click", () => search.close())
    const item = document.createElement("li")
    item.append(link)
    results.append(item)
  }
}

/** Walk through the results with the arrow keys. */
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  const links = all("a", results)
  if (event.key === "Escape") search.close() // the field would keep it, to empty itself
  if (event.key === "Enter" && event.target === field) {
    event.preventDefault()
    links[0]?.click()
  }
  if (!step || !links.length) return
  event.preventDefault()
  const place = links.indexOf(document.activeElement) + step
  place < 0 ? field.focus() : links[Math.min(place, links.length - 1)].focus()
}

find("#open-search").hidden = false
find("#open-search").addEventListener("click", open)
field.addEventListener("input", look)
search.addEventListener("keydown", walk)
search.addEventListener("click", event => { if (event.target === search) search.close() })
addEventListener("keydown", event => {
  const typing = event.target.closest?.("input[type=search], textarea, [contenteditable]")
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault()
    open()
  }
})
