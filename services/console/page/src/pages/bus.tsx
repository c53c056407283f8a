// Bus: every message as it passes, filtered, held still, recorded. The tap disturbs nobody: who reads too slowly
// misses some, and is told how many.
import { useEffect, useRef, useState } from "preact/hooks";
import { address } from "../api/client.ts";
import type { TapMessage } from "../api/models.ts";
import { openStream, type Connection } from "../api/stream.ts";
import { bytes, time } from "../format.ts";
import { t, tn } from "../i18n/index.ts";
import { Badge, Button, Card, Empty, PageHead } from "../ui/basics.tsx";
import { Icon } from "../ui/icons.tsx";

const MOST = 300;
const DRAW_MS = 200;
const TOPICS = ["sample/", "image/", "source/", "sessions/", "pushes/", "processes/", "event/", "trust/", "seen/", "wallbox/"];
const SECONDS = [10, 60, 300] as const;

export default function BusPage() {
  const [role, setRole] = useState("");
  const [topic, setTopic] = useState("");
  const [paused, setPaused] = useState(false);
  const [seconds, setSeconds] = useState<number>(10);
  const { messages, missed, connection } = useTap(role, topic, paused);
  return (
    <>
      <PageHead title={t("nav.bus")} lead={t("bus.lead")} />
      <Card>
        {/* the two fields keep what is typed to themselves: lines come while one types, and would put the old text back */}
        <div class="toolbar">
          <input
            aria-label={t("bus.role")}
            placeholder={t("bus.role")}
            list="bus-roles"
            spellcheck={false}
            autoCapitalize="none"
            onChange={(event) => setRole(event.currentTarget.value.trim())}
          />
          <input
            aria-label={t("bus.topic")}
            placeholder={t("bus.topic")}
            list="bus-topics"
            spellcheck={false}
            autoCapitalize="none"
            onChange={(event) => setTopic(event.currentTarget.value.trim())}
          />
          <datalist id="bus-topics">
            {TOPICS.map((one) => (
              <option value={one} />
            ))}
          </datalist>
          <datalist id="bus-roles">
            {[...new Set(messages.map((message) => message.instance))].map((one) => (
              <option value={one} />
            ))}
          </datalist>
          <Button icon={paused ? "play" : "pause"} onClick={() => setPaused(!paused)}>
            {paused ? t("bus.go.on") : t("bus.pause")}
          </Button>
        </div>
        <div class="toolbar">
          <select aria-label={t("bus.seconds")} value={seconds} onChange={(event) => setSeconds(Number(event.currentTarget.value))}>
            {SECONDS.map((one) => (
              <option value={one}>{tn("bus.record", one)}</option>
            ))}
          </select>
          <a class="button" href={address("tap/record", { seconds, role, topic })} download>
            <Icon name="record" size={18} />
            {t("bus.record")}
          </a>
          <p class="hint">{t("bus.record.hint")}</p>
        </div>
        <p class="age">
          {paused ? (
            <Badge tone="warn">{t("bus.paused")}</Badge>
          ) : connection.state === "open" ? (
            <Badge tone="good">{t("bus.listens")}</Badge>
          ) : (
            <Badge tone="bad">{t("bus.silent")}</Badge>
          )}
          {missed > 0 && <span class="muted">{tn("bus.missed", missed)}</span>}
          {connection.state === "lost" && <span class="error-text">{connection.reason}</span>}
        </p>
        {messages.length ? <Messages messages={messages} /> : <Empty>{t("bus.empty")}</Empty>}
      </Card>
    </>
  );
}

function Messages({ messages }: { messages: readonly TapMessage[] }) {
  return (
    <ol class="tap mono" tabIndex={0} aria-label={t("nav.bus")}>
      {messages.map((message) => (
        <li key={`${message.instance}${message.topic}${message.seq}${message.time_ms}`}>
          <span class="muted">{time(message.time_ms)}</span> <b>{message.topic}</b>{" "}
          <span class="muted">
            {message.instance} #{message.seq} {bytes(message.size)}
          </span>
          <span class="tap-text">{message.text}</span>
        </li>
      ))}
    </ol>
  );
}

function useTap(role: string, topic: string, paused: boolean) {
  const [messages, setMessages] = useState<readonly TapMessage[]>([]);
  const [missed, setMissed] = useState(0);
  const [connection, setConnection] = useState<Connection>({ state: "connecting" });
  const come = useRef<TapMessage[]>([]);
  useEffect(() => {
    come.current = [];
    setMessages([]);
    setMissed(0);
  }, [role, topic]);
  useEffect(() => {
    if (paused) return;
    const close = openStream({
      url: () => address("tap", { role, topic }),
      event: ({ event, data }) => {
        if (event !== "message") return;
        come.current.push(JSON.parse(data) as TapMessage);
        if (come.current.length > MOST) come.current.shift();
      },
      connection: setConnection,
    });
    const timer = setInterval(() => {
      const news = come.current;
      if (!news.length) return;
      come.current = [];
      setMissed((count) => count + news.reduce((sum, message) => sum + message.missed, 0));
      setMessages((now) => [...news.reverse(), ...now].slice(0, MOST));
    }, DRAW_MS);
    return () => {
      close();
      clearInterval(timer);
    };
  }, [role, topic, paused]);
  return { messages, missed, connection };
}
