// Serves holding registers that can be written, with modbus-serial: node serve.js PORT.
const { ServerTCP } = require("modbus-serial");

const registers = new Uint16Array(65536);
const server = new ServerTCP(
  {
    getHoldingRegister: (address) => registers[address],
    setRegister: (address, value) => {
      registers[address] = value;
    },
  },
  { host: "127.0.0.1", port: Number(process.argv[2]), unitID: 1 },
);
server.on("initialized", () => console.log("listening"));
server.on("socketError", (error) => console.error(error.message));
