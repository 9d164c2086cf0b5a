/// The one script of the console, without which every page works as well.
///
/// It writes times in the reader's own zone, copies a secret at the press of a button, and says that leaving a page would
/// lose an unsaved policy.
enum Script {
    static let text = """
        "use strict";
        for (const time of document.querySelectorAll("time[datetime]")) {
          const moment = new Date(time.dateTime);
          if (Number.isNaN(moment.getTime())) continue;
          const exact = time.textContent.length > 20;
          time.title = time.textContent;
          time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: exact ? "medium" : "short" });
        }
        for (const secret of document.querySelectorAll(".secret")) {
          if (!navigator.clipboard) break;
          const button = document.createElement("button");
          button.type = "button";
          button.className = "button slim";
          button.textContent = "Copy";
          button.addEventListener("click", async () => {
            await navigator.clipboard.writeText(secret.textContent.trim());
            button.textContent = "Copied";
          });
          secret.after(button);
        }
        for (const form of document.querySelectorAll("form[data-keep]")) {
          let isChanged = false;
          form.addEventListener("input", () => { isChanged = true; });
          form.addEventListener("submit", () => { isChanged = false; });
          addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });
        }

        """
}
