// node client.mjs TEXT, with @grpc/grpc-js and @grpc/proto-loader installed, and the token in $TOKEN
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const { demo } = loadPackageDefinition(loadSync('echo.proto'));
const echo = new demo.Echo('127.0.0.1:8080', credentials.createInsecure());
const metadata = new Metadata();
metadata.set('authorization', `Bearer ${process.env.TOKEN}`);

echo.Say({ text: process.argv[2] }, metadata, { deadline: Date.now() + 5000 }, (error, answer) => {
  console.log(error === null ? answer.text : `${error.code} ${error.details}`);
  echo.close();
});
