// Pages that are opened from a folder get no workers from the browser. The theme's search is one: there, a hidden frame
// does its work. The name tells the theme's offline plugin that it need not load another such script from the network.
if (location.protocol === "file:")
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = Object.assign(document.createElement("iframe"), {hidden: true, title: "Search"});
      this.frame = new Promise((found) => {
        const start = () => {
          document.body.append(frame);
          const inside = frame.contentWindow;
          inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", {data}));
          const script = inside.document.createElement("script");
          script.src = address;
          script.onload = () => found(inside);
          inside.document.body.append(script);
        };
        document.body ? start() : addEventListener("DOMContentLoaded", start);
      });
    }
    postMessage(data) {
      this.frame.then((inside) => inside.dispatchEvent(new inside.MessageEvent("message", {data})));
    }
  };
