// Reads registers with modbus-serial over Node's TLS: node read_tls.js PORT UNIT IDENTITY KNOWN ADDRESS:COUNT...
// IDENTITY holds our key and certificate, KNOWN the server's certificate. Prints JSON, one list per read.
const fs = require("fs");
const tls = require("tls");
const ModbusRTU = require("modbus-serial");

async function main() {
  const [port, unit, identity, known, ...reads] = process.argv.slice(2);
  const own = fs.readFileSync(identity);
  const socket = tls.connect({
    host: "127.0.0.1",
    port: Number(port),
    key: own,
    cert: own,
    ca: fs.readFileSync(known),
    servername: "localhost",
  });
  await new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  const client = new ModbusRTU();
  await client.linkTCP(socket, {});
  client.setID(Number(unit));
  client.setTimeout(5000);
  const found = [];
  for (const read of reads) {
    const [address, count] = read.split(":").map(Number);
    found.push((await client.readHoldingRegisters(address, count)).data);
  }
  console.log(JSON.stringify(found));
  client.close(() => {});
}

main().catch((error) => {
  console.error(error.message, error.modbusCode);
  process.exit(1);
});
