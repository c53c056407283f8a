// Reads registers with modbus-serial: node read.js PORT UNIT ADDRESS:COUNT... -> JSON, one list per read.
const ModbusRTU = require("modbus-serial");

async function main() {
  const [port, unit, ...reads] = process.argv.slice(2);
  const client = new ModbusRTU();
  await client.connectTCP("127.0.0.1", { port: Number(port) });
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
  console.error(error);
  process.exit(1);
});
