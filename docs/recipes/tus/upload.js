// node upload.js FILE: begins an upload, or goes on with the one that was interrupted.
import { createReadStream } from 'node:fs';
import { FileUrlStorage, Upload } from 'tus-js-client';

const upload = new Upload(createReadStream(process.argv[2]), {
  endpoint: 'http://127.0.0.1:8080/files',
  headers: { Authorization: `Bearer ${process.env.TOKEN}` },
  retryDelays: [0, 500, 1000, 3000, 5000],
  urlStorage: new FileUrlStorage('uploads.json'),
  fingerprint: async () => process.argv[2],
  onError: (error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
  onSuccess: () => console.log(upload.url),
});
const [before] = await upload.findPreviousUploads();
if (before !== undefined) upload.resumeFromPreviousUpload(before);
upload.start();
