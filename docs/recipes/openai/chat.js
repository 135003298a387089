// The openai client as it is: OPENAI_BASE_URL and OPENAI_API_KEY lead it to the gateway.
import OpenAI from 'openai';

const client = new OpenAI();
const question = { model: 'small', messages: [{ role: 'user', content: 'hello' }] };

const answer = await client.chat.completions.create(question);
console.log(answer.choices[0].message.content);

const stream = await client.chat.completions.create({ ...question, stream: true });
for await (const part of stream) process.stdout.write(part.choices[0]?.delta?.content ?? '');
process.stdout.write('\n');
