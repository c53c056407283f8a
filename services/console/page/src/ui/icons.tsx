// Pictures of one line each, on a grid of 24. They only repeat what a word beside them says.
const PATHS = {
  live: "M3 12h4l3-8 4 16 3-8h4",
  modbus: "M4 6h16v12H4zM8 10v4M12 10v4M16 10v4",
  advanced: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  certificates: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  clients: "M7 8a3 3 0 1 0 6 0 3 3 0 0 0-6 0M3 20c0-4 3-6 7-6s7 2 7 6M16 5.2a3 3 0 0 1 0 5.6M18.5 14.6c1.7.8 2.5 2.6 2.5 5.4",
  registers: "M4 5h16M4 10h16M4 15h16M4 20h16M9 5v15",
  processes: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  bus: "M3 12h18M7 12V6M12 12v6M17 12V6M5.5 6h3M10.5 18h3M15.5 6h3",
  events: "M12 3v2M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21h4",
  settings:
    "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M5.6 18.4l2.2-2.2M16.2 7.8l2.2-2.2",
  account: "M8 8a4 4 0 1 0 8 0 4 4 0 0 0-8 0M4 21c0-5 4-7 8-7s8 2 8 7",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  warn: "M12 4l9 16H3zM12 10v4M12 17h.01",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5M12 8h.01",
  plus: "M12 5v14M5 12h14",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  restart: "M20 12a8 8 0 1 1-2.3-5.6M20 3v5h-5",
  pause: "M8 5v14M16 5v14",
  play: "M7 5l12 7-12 7z",
  record: "M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
  dark: "M20 14a8.5 8.5 0 0 1-10-10 8.5 8.5 0 1 0 10 10z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 3v18M12 7a5 5 0 0 1 0 10",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5L20 20",
  chevron: "M9 6l6 6-6 6",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
