// The icons of both pages. They are put into the page once: drawn from a file of
// their own they would be asked for again, of a server that may be gone by then.

const ICONS = `
<svg class="sprite" aria-hidden="true">
  <symbol id="i-play" viewBox="0 0 24 24">
    <path d="M8 5.6v12.8a.8.8 0 0 0 1.2.7l10.4-6.4a.8.8 0 0 0 0-1.4L9.2 4.9a.8.8 0 0 0-1.2.7z" />
  </symbol>
  <symbol id="i-stop" viewBox="0 0 24 24">
    <rect x="6.5" y="6.5" width="11" height="11" rx="2" />
  </symbol>
  <symbol id="i-record" viewBox="0 0 24 24">
    <circle cx="12" cy="12" r="6.5" />
  </symbol>
  <symbol id="i-close" viewBox="0 0 24 24">
    <path class="line" d="M7 7l10 10M17 7L7 17" />
  </symbol>
  <symbol id="i-sound" viewBox="0 0 24 24">
    <path d="M4 9.5v5h3.2l4.8 4V5.5l-4.8 4z" />
    <path class="line" d="M15.5 9.2a4 4 0 0 1 0 5.6M18 6.7a7.5 7.5 0 0 1 0 10.6" />
  </symbol>
  <symbol id="i-muted" viewBox="0 0 24 24">
    <path d="M4 9.5v5h3.2l4.8 4V5.5l-4.8 4z" />
    <path class="line" d="M15.5 9.7l5 4.6M20.5 9.7l-5 4.6" />
  </symbol>
  <symbol id="i-full" viewBox="0 0 24 24">
    <path class="line" d="M5 9V5h4M15 5h4v4M19 15v4h-4M9 19H5v-4" />
  </symbol>
  <symbol id="i-alert" viewBox="0 0 24 24">
    <circle class="line" cx="12" cy="12" r="8.5" />
    <path class="line" d="M12 7.5v5.5" />
    <circle cx="12" cy="16.2" r="1.1" />
  </symbol>
  <symbol id="i-mic" viewBox="0 0 24 24">
    <rect x="9" y="3.5" width="6" height="11" rx="3" />
    <path class="line" d="M5.8 11.5a6.2 6.2 0 0 0 12.4 0M12 17.7v3" />
  </symbol>
  <symbol id="i-mic-off" viewBox="0 0 24 24">
    <rect x="9" y="3.5" width="6" height="11" rx="3" opacity=".45" />
    <path class="line" d="M5.8 11.5a6.2 6.2 0 0 0 12.4 0M12 17.7v3M4 4l16 16" />
  </symbol>
  <symbol id="i-camera" viewBox="0 0 24 24">
    <rect x="3" y="6.5" width="12.5" height="11" rx="2.4" />
    <path d="M17 10.6l3-2.2a.6.6 0 0 1 1 .5v6.2a.6.6 0 0 1-1 .5l-3-2.2z" />
  </symbol>
  <symbol id="i-camera-off" viewBox="0 0 24 24">
    <g opacity=".45">
      <rect x="3" y="6.5" width="12.5" height="11" rx="2.4" />
      <path d="M17 10.6l3-2.2a.6.6 0 0 1 1 .5v6.2a.6.6 0 0 1-1 .5l-3-2.2z" />
    </g>
    <path class="line" d="M4 4l16 16" />
  </symbol>
</svg>`;

document.body.insertAdjacentHTML('afterbegin', ICONS);
