"use strict"
// What lives without a kernel: one picture out of many under sliders, matrices that answer, the wipe.
// Each part is in the page already, hidden, with its facts as JSON; this shows it and listens.

{
  const factsOf = part => JSON.parse(part.querySelector("script[type='application/json']").textContent)

  /** One picture out of many: sliders and buttons choose, one an axis, the last axis the fastest. */
  function choices(part) {
    const { lengths, words, frames } = factsOf(part)
    const picture = part.querySelector(".frame")
    const axes = [...part.querySelectorAll(".slider, fieldset")]
    const valueOf = axis => Number(axis.querySelector("input:checked, input[type=range]").value)

    const show = () => {
      let place = 0
      axes.forEach((axis, number) => {
        const value = valueOf(axis)
        place = place * lengths[number] + value
        const output = axis.querySelector("output")
        if (output) output.value = words[number][value]
        const slider = axis.querySelector("input[type=range]")
        if (slider) slider.setAttribute("aria-valuetext", words[number][value])
      })
      picture.src = frames[place].src
      picture.alt = frames[place].alt
    }
    // As soon as somebody comes near, the other pictures are fetched, so that none of them flickers.
    const fetchAll = () => frames.forEach(frame => { new Image().src = frame.src })
    part.addEventListener("pointerenter", fetchAll, { once: true })
    part.addEventListener("focusin", fetchAll, { once: true })
    part.addEventListener("input", show)
    const button = part.querySelector(".play")
    if (button) player(button, part.querySelector("input"), show)
  }

  /** A button that moves a slider by itself, to its end. */
  function player(button, slider, show) {
    let clock = null
    const stop = () => {
      clearInterval(clock)
      clock = null
      button.textContent = "Play"
    }
    button.addEventListener("click", () => {
      if (clock) return stop()
      if (slider.value === slider.max) slider.value = slider.min
      button.textContent = "Stop"
      show()
      clock = setInterval(() => {
        slider.value = Number(slider.value) + 1
        show()
        if (slider.value === slider.max) stop()
      }, 400)
    })
    slider.addEventListener("input", () => { if (clock) stop() })
  }

  /** A table of buttons: one of them can be reached with Tab, the others with the arrow keys. */
  function grid(part, choose) {
    const rows = [...part.querySelectorAll(".cells tr")]
      .map(row => [...row.querySelectorAll("button")])
      .filter(row => row.length)
    const buttons = rows.flat()
    const select = button => {
      for (const other of buttons) {
        other.tabIndex = other === button ? 0 : -1
        other.setAttribute("aria-pressed", other === button)
      }
      choose(button)
    }
    for (const button of buttons) {
      button.addEventListener("pointerenter", () => select(button))
      button.addEventListener("focus", () => select(button))
      button.addEventListener("click", () => select(button))
    }
    part.querySelector(".cells").addEventListener("keydown", event => {
      const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key]
      const row = rows.findIndex(one => one.includes(document.activeElement))
      if (!way || row < 0) return
      event.preventDefault()
      const column = rows[row].indexOf(document.activeElement)
      rows[row + way[0]]?.[column + way[1]]?.focus()
    })
    return select
  }

  /** The toy: an entry lights its two rows of features, and says its sum. */
  function toy(part) {
    const features = [...part.querySelectorAll(".features tr")]
    const answer = part.querySelector(".answer")
    const select = grid(part, button => {
      const pair = [button.dataset.row, button.dataset.column].map(Number)
      features.forEach((row, number) => row.classList.toggle("lit", pair.includes(number)))
      answer.textContent = button.dataset.sum
    })
    select(part.querySelector("button[data-row='0'][data-column='1']"))
  }

  const loaded = address => new Promise((done, failed) => {
    const image = new Image()
    image.onload = () => done(image)
    image.onerror = failed
    image.src = address
  })

  /** The pixels of a picture, or of a piece of it, at a size of our own. */
  function pixels(image, width, height, from = [0, 0, image.width, image.height]) {
    const canvas = document.createElement("canvas")
    canvas.width = width
    canvas.height = height
    const pen = canvas.getContext("2d", { willReadFrequently: true })
    pen.drawImage(image, ...from, 0, 0, width, height)
    return pen.getImageData(0, 0, width, height)
  }

  /** A Gram matrix of the network: two maps as lamps over the painting, and their product. */
  async function gram(part) {
    const facts = factsOf(part)
    const canvases = [...part.querySelectorAll("canvas")]
    const [painting, sheet] = await Promise.all([loaded(facts.painting), loaded(facts.maps)])
    const [width, height] = [painting.width, painting.height]
    for (const canvas of canvases) Object.assign(canvas, { width, height })
    const colours = pixels(painting, width, height).data
    const lamps = facts.channels.map((_, number) => {
      const left = (number % facts.columns) * facts.width
      const top = Math.floor(number / facts.columns) * facts.height
      const data = pixels(sheet, width, height, [left, top, facts.width, facts.height]).data
      return Float32Array.from({ length: width * height }, (_, place) => data[4 * place] / 255)
    })

    /** The painting in its colours where a lamp is on, dark and grey elsewhere. */
    const light = (canvas, lamp) => {
      const lit = new ImageData(width, height)
      for (let place = 0; place < width * height; place++) {
        const on = lamp(place)
        const k = 4 * place
        const grey = (colours[k] + colours[k + 1] + colours[k + 2]) / 12
        for (let c = 0; c < 3; c++) lit.data[k + c] = on * colours[k + c] + (1 - on) * grey
        lit.data[k + 3] = 255
      }
      canvas.getContext("2d").putImageData(lit, 0, 0)
    }
    const name = number => `channel ${facts.channels[number]}, ${facts.words[number]}`
    const heads = [...part.querySelectorAll(".cells th")]
    const answer = part.querySelector(".answer")
    const captions = canvases.map(canvas => canvas.nextElementSibling)
    const select = grid(part, button => {
      const [i, j] = [button.dataset.row, button.dataset.column].map(Number)
      light(canvases[0], place => lamps[i][place])
      light(canvases[1], place => lamps[j][place])
      light(canvases[2], place => lamps[i][place] * lamps[j][place])
      const texts = [`Where ${name(i)}, fires`, `Where ${name(j)}, fires`, "Where both fire: their product"]
      texts.forEach((text, number) => {
        captions[number].textContent = text
        canvases[number].setAttribute("aria-label", text)
      })
      const columns = facts.channels.length
      heads.forEach((head, place) => head.classList.toggle("lit", place === j || place === columns + i))
      answer.textContent = `Entry (${facts.channels[i]}, ${facts.channels[j]}): the product is `
        + `${button.textContent} on average over all places.`
    })
    select(part.querySelector("button[data-row='0'][data-column='1']"))
  }

  /** The photo under the painting: a slider moves the border between them. */
  function wipe(figure) {
    const label = figure.querySelector("label")
    const slider = label.querySelector("input")
    const show = () => {
      figure.style.setProperty("--cut", `${slider.value}%`)
      slider.setAttribute("aria-valuetext", `${slider.value} per cent painted`)
    }
    label.hidden = false
    slider.value = 62
    figure.classList.remove("still")
    slider.addEventListener("input", show)
    show()
  }

  const kinds = { choices, film: choices, toy, gram }
  for (const part of document.querySelectorAll(".alive")) {
    const kind = Object.keys(kinds).find(name => part.classList.contains(name))
    const picture = part.querySelector(".frame")
    kinds[kind](part)
    part.hidden = false
    // A page that was carried off without its folder `alive` shows nothing that is broken.
    const hide = () => { part.hidden = true }
    picture?.addEventListener("error", hide)
    if (picture?.complete && !picture.naturalWidth) hide()
  }
  document.querySelectorAll(".wipe").forEach(wipe)
}
