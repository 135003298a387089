// Coze's own client, pointed at the gateway in place of api.coze.com.
import { ChatEventType, CozeAPI, RoleType } from '@coze/api';

const client = new CozeAPI({ baseURL: 'http://127.0.0.1:8080', token: process.env.TOKEN });
const question = { role: RoleType.User, content: 'hello', content_type: 'text' };
for await (const part of client.chat.stream({ bot_id: 'bot_sales', additional_messages: [question] }))
  if (part.event === ChatEventType.CONVERSATION_MESSAGE_DELTA) process.stdout.write(part.data.content);
process.stdout.write('\n');
